/** The part of an actor kind that runs in a worker process. */
export interface WorkerHandler {
  /** Loads libraries and uses them once, so that the first work item is as fast as the next. */
  warmUp(): Promise<void>
  /**
   * Runs one work item. Notes are sent when it waits or ends. @throws Fault when the input is at fault; any other error
   * becomes `internal`.
   * @param input what the actor sent. It comes from the process that started this one, so it needs no validation
   */
  run(input: unknown, note: (note: unknown) => void): Promise<void>
}
