import json, os, struct, sys, torch
weights, run = sys.argv[1:]  # the published .pt, and the folder to make of it
model = {name: value.float().contiguous() for name, value in torch.load(weights, map_location='cpu')['model'].items()}
config = dict(layers=30, channels=64, kernelSize=3, dilationCycle=10, encoding='diffwave', encodingWidth=128, embeddingWidth=512, diffusionSteps=50, betaStart=1e-4, betaEnd=0.05, loss='l1', sampleRate=22050, conditioner='mel', melBands=80, hopSamples=256)
ends = [4 * sum(value.numel() for value in list(model.values())[:i]) for i in range(len(model) + 1)]
header = json.dumps({'__metadata__': {'format': 'pt', 'config': json.dumps(config)}} | {name: {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': ends[i:i + 2]} for i, (name, value) in enumerate(model.items())}).encode()
os.makedirs(run)
open(f'{run}/weights.safetensors', 'wb').write(struct.pack('<Q', len(header)) + header + b''.join(value.numpy().tobytes() for value in model.values()))
training = dict(batchSize=16, cropSamples=62 * 256, learningRate=2e-4, beta1=0.9, beta2=0.999, epsilon=1e-8, emaDecay=0, seed=0)
json.dump(dict(format=1, preset='diffwave-vocoder', model=config, training=training, data='lmnt-com/diffwave'), open(f'{run}/config.json', 'w'))
