/** Small typed values under an account and an id. One adapter instance is one bucket with one schema. */
export interface Records<T> {
  /** False, and nothing written, when the id is taken. */
  create(account: string, id: string, value: T): Promise<boolean>
  get(account: string, id: string): Promise<T | null>
  /** False when there was none. */
  delete(account: string, id: string): Promise<boolean>
}
