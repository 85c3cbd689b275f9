/** What the server of the alternative gives to its worker. */
export interface ResizeJob {
  /** Path of the uploaded file. */
  readonly source: string
  /** Path of the result, which the worker writes. */
  readonly result: string
  /** Pixels. */
  readonly width: number
}

export const queueName = 'resize'
