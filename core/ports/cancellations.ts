/** Cancellations as messages between running processes: delivered at most once and never stored. */
export interface Cancellations {
  /** Notifies the actor that processes the task of its cancellation. */
  publish(account: string, task: string): Promise<void>
  /** Calls back for each cancelled task of any account. Returns a function that unsubscribes. */
  subscribe(callback: (account: string, task: string) => void): () => void
}
