/** Whether a launcher of parallel programs started this process among others: by what it puts into the environment. */

/** One process of several that were started together. */
export interface Launch {
  /** Of the library that the launcher belongs to; undefined where the launcher works with any. */
  readonly family?: 'Open MPI' | 'MPICH';
  /** Who started it, for messages. */
  readonly launcher: string;
  /** Counted from 0. */
  readonly rank: number;
  /** Undefined where only the library knows. */
  readonly size?: number;
  /** Among those on this machine. */
  readonly localRank: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What an environment says; undefined where no launcher started this process, or this process alone.
 *
 * Open MPI's `mpirun` sets OMPI_COMM_WORLD_…, MPICH's (Hydra, that of Intel MPI and MVAPICH as well) PMI_RANK and PMI_SIZE, or with
 * `-pmi-port` PMI_ID and no size. Slurm's `srun` sets SLURM_…, and those of PMIx or PMI as well if it was told to; within
 * `sbatch`, but not started by `srun`, there is no SLURM_STEP_NUM_TASKS.
 */
export function launchOf(env: Environment): Launch | undefined {
  const found = openMpi(env) ?? hydra(env) ?? slurm(env);
  return found && found.size !== 1 ? found : undefined;
}

function openMpi(env: Environment): Launch | undefined {
  const [rank, size] = [numberOf(env.OMPI_COMM_WORLD_RANK), numberOf(env.OMPI_COMM_WORLD_SIZE)];
  if (rank === undefined || size === undefined) return undefined;
  return { family: 'Open MPI', launcher: 'mpirun', rank, size, localRank: numberOf(env.OMPI_COMM_WORLD_LOCAL_RANK) ?? rank };
}

function hydra(env: Environment): Launch | undefined {
  const rank = numberOf(env.PMI_RANK ?? env.PMI_ID);
  const size = numberOf(env.PMI_SIZE);
  if (rank === undefined || (size === undefined && env.PMI_PORT === undefined)) return undefined;
  const local = numberOf(env.MPI_LOCALRANKID ?? env.SLURM_LOCALID);
  return { family: 'MPICH', launcher: env.SLURM_STEP_NUM_TASKS ? 'srun' : 'mpirun', rank, size, localRank: local ?? rank };
}

function slurm(env: Environment): Launch | undefined {
  const [rank, size] = [numberOf(env.SLURM_PROCID), numberOf(env.SLURM_STEP_NUM_TASKS)];
  if (rank === undefined || size === undefined) return undefined;
  return {
    ...(env.PMIX_RANK !== undefined && { family: 'Open MPI' }), launcher: 'srun', rank, size, localRank: numberOf(env.SLURM_LOCALID) ?? rank,
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
