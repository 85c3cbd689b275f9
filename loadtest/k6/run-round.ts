import { Rate } from 'k6/metrics'

/** Whether a round was completed, not ended by an exception or a failed call. */
const completedRounds = new Rate('completed_rounds')

/** Runs one round of a user and counts it. `round` returns whether every stage was reached. */
export async function runRound(round: () => boolean | Promise<boolean>): Promise<void> {
  let isComplete = false
  try {
    isComplete = await round()
  } finally {
    completedRounds.add(isComplete)
  }
}
