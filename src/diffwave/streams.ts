/** What random numbers are for. Two uses never share a stream; a number here never changes its meaning. */
export const streams = {
  /** Initial weights; `item` is the parameter's place in model order. */
  weights: 0,
  /** The order of clips; `step` is the epoch. */
  order: 1,
  /** Where a crop begins in its clip. */
  crop: 2,
  /** The diffusion step t of an item. */
  timestep: 3,
  /** ε of the training step. */
  trainingNoise: 4,
  /** x_T of a sample. */
  start: 5,
  /** z of the reverse steps. */
  reverse: 6,
  /** Polarity (index 0) and gain (index 1) of a crop. */
  augmentation: 7,
  /** Whether the label of an item is told. */
  labelDropout: 8,
  /** Which tracks are kept back; `item` is the track. */
  validationTracks: 16,
  /** Where a crop of the validation begins in its clip. */
  validationCrop: 17,
  /** ε of the validation; `step` is the item. */
  validationNoise: 18,
  /** z that takes a sample back to a noisier step. */
  renoise: 32,
  /** z of the known samples while a gap is filled. */
  imposed: 33,
  /** The white noise that a shaped x_T is made of. */
  shapedStart: 48,
  /** Which pieces of clips an evaluation compares with (index 0: order of the clips, 1: where a piece begins); `step` is the draw. */
  evaluationPieces: 64,
  /** Noise that an evaluation compares with; `step` is its kind. */
  evaluationNoise: 65,
  /** Members of a set drawn anew; `step` is the draw. */
  evaluationBootstrap: 66,
} as const;
