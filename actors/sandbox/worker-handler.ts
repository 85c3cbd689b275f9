/** The part of an actor kind that runs in a worker process. */
export interface WorkerHandler {
  /** Loads libraries and uses them once, so that the first work item is as fast as the next. */
  warmUp(): Promise<void>
  /**
   * Runs one work item. @throws Fault when the input is at fault; any other error becomes `internal`.
   */
  run(input: unknown, note: (note: unknown) => void): Promise<void>
}
