/** One kernel between probes: how long it takes, and how far that is from what the adapter can do. */
import type { Encode } from '../gpu/device/timing.ts';
import type { Machine, Rate, Span } from './probes.ts';
import { timeSpan, timesFor } from './probes.ts';
import { median, quantile } from '../statistics.ts';

export interface Work {
  /** Encodes `times` runs. */
  encode(times: number): Encode;
  /** Of one run. 0: not counted, as it is all about memory. */
  readonly flops: number;
  /** Of one run, that must be read or written however it is done. */
  readonly bytes: number;
}

export interface Measurement {
  /** Seconds of one run. */
  readonly median: number;
  readonly p20: number;
  readonly p80: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** The probes beside it, medians. */
  readonly fmaProbe: number;
  readonly copyProbe: number;
  /** Median share of the roofline by wall clock, and by processor time on software adapters. */
  readonly ofRoofline: number;
  readonly ofRooflineCpu?: number;
}

/** Seconds of runs in one measurement. */
const budget = 0.04;

/** Measures `repetitions` times, each time with both probes directly before and after. */
export async function measure(machine: Machine, work: Work, { repetitions = 7 } = {}): Promise<Measurement> {
  await timeSpan(machine, work.encode(1)); // warm: memory is touched, caches are filled
  const once = await timeSpan(machine, work.encode(1));
  const times = timesFor(once.wall, budget);
  const { probes } = machine;
  const runs: Span[] = [];
  const fma: Rate[] = [await probes.fma()];
  const copy: Rate[] = [await probes.copy(work.bytes)];
  for (let i = 0; i < repetitions; i++) {
    const { wall, cpu } = await timeSpan(machine, work.encode(times));
    runs.push({ wall: wall / times, cpu: cpu === undefined ? undefined : cpu / times });
    fma.push(await probes.fma());
    copy.push(await probes.copy(work.bytes));
  }
  const shareBy = (clock: keyof Span): number | undefined => {
    if (runs.some((run) => run[clock] === undefined)) return undefined;
    return median(runs.map((run, i) => {
      const between = (rates: Rate[]) => (rates[i]![clock]! + rates[i + 1]![clock]!) / 2;
      return rooflineSeconds(work, { flops: between(fma), bytes: between(copy) }) / run[clock]!;
    }));
  };
  const walls = runs.map(({ wall }) => wall);
  const middle = median(walls);
  return {
    median: middle,
    p20: quantile(walls, 0.2),
    p80: quantile(walls, 0.8),
    flopsPerSecond: work.flops / middle,
    bytesPerSecond: work.bytes / middle,
    fmaProbe: median(fma.map(({ wall }) => wall)),
    copyProbe: median(copy.map(({ wall }) => wall)),
    ofRoofline: shareBy('wall')!,
    ofRooflineCpu: shareBy('cpu'),
  };
}

/**
 * The least time that the work can take on an adapter of these rates (Williams et al. 2009, "Roofline"): that of its
 * operations or that of its bytes, whichever is longer.
 */
export function rooflineSeconds(
  work: { readonly flops: number; readonly bytes: number },
  perSecond: { readonly flops: number; readonly bytes: number },
): number {
  return Math.max(work.flops / perSecond.flops, work.bytes / perSecond.bytes);
}
