/** A device that has no memory for some buffers, and says so in WebGPU's way: there is a buffer, it is none, and the error comes later. */

export interface Shortage {
  /** Buffers that were asked for, the refused ones among them. */
  readonly asked: number;
  end(): void;
}

/** Refuses the buffers that `isRefused`, which are numbered from 0, until `end`. */
export function shortage(device: GPUDevice, isRefused: (descriptor: GPUBufferDescriptor, number: number) => boolean): Shortage {
  const [createBuffer, pushErrorScope, popErrorScope] = [device.createBuffer, device.pushErrorScope, device.popErrorScope]
    .map((method) => method.bind(device)) as [GPUDevice['createBuffer'], GPUDevice['pushErrorScope'], GPUDevice['popErrorScope']];
  let asked = 0;
  let refused = false;
  device.createBuffer = (descriptor) => {
    if (!isRefused(descriptor, asked++)) return createBuffer(descriptor);
    refused = true;
    // No usage goes with both of these: what Dawn returns is as invalid as a buffer that there is no memory for.
    const isMapped = (descriptor.usage & GPUBufferUsage.MAP_READ) !== 0;
    const usage = descriptor.usage | (isMapped ? GPUBufferUsage.STORAGE : GPUBufferUsage.MAP_WRITE);
    pushErrorScope('validation');
    const buffer = createBuffer({ ...descriptor, usage });
    void popErrorScope();
    return buffer;
  };
  device.popErrorScope = async () => {
    const message = refused ? 'out of memory' : undefined;
    refused = false;
    return (await popErrorScope()) ?? (message === undefined ? null : ({ message } as GPUError));
  };
  return {
    get asked() {
      return asked;
    },
    end() {
      Object.assign(device, { createBuffer, popErrorScope });
    },
  };
}
