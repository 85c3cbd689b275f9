/** Word between live processes: at most once, never stored, nobody may be listening. */
export interface Channel {
  /** Tells whoever works on the task that it was cancelled. */
  cancel(account: string, task: string): Promise<void>
  /** Calls back for each cancelled task, of any account; returns the function that stops it. */
  onCancel(heard: (account: string, task: string) => void): () => void
}
