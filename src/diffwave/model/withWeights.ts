/** The model with other weights than its own for a while: those of the average, to be judged or sampled from. */
import type { FlatBuffer } from '../../autograd/parameters.ts';
import type { Model } from './model.ts';

/** Runs `body` with the values of `flat` as the model's weights, or its own if there is none, and puts its own back. */
export async function withWeights<T>(model: Model, flat: FlatBuffer | undefined, body: () => Promise<T>): Promise<T> {
  if (!flat) return body();
  const { gpu, parameters } = model;
  const pool = gpu.buffers;
  const own = parameters.copy(parameters.values, 'own weights');
  const overwrite = (source: FlatBuffer): void => {
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(source.buffer, 0, parameters.values.buffer, 0, parameters.size);
    gpu.device.queue.submit([encoder.finish()]);
    parameters.valuesChange();
  };
  try {
    await pool.expect([flat.buffer, own.buffer]); // what there was no memory to keep could not be put back
    overwrite(flat);
    try {
      return await body();
    } finally {
      overwrite(own);
    }
  } finally {
    pool.release(own.buffer);
  }
}
