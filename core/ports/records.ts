/** Small typed values under an account and an id. One adapter instance is one bucket with one schema. */
export interface Records<T> {
  /** False, and nothing is written, when the id is taken. */
  create(account: string, id: string, value: T): Promise<boolean>
  get(account: string, id: string): Promise<T | null>
  /** False when it does not exist. */
  delete(account: string, id: string): Promise<boolean>
}
