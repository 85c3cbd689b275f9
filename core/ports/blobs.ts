/** A stored blob, as its store describes it. */
export interface BlobInfo {
  readonly name: string
  readonly bytes: number
  /** Hexadecimal SHA-256 of the content, computed while writing. */
  readonly sha256: string
  /** When it was committed. */
  readonly storedAt: Date
  /** Free string pairs given at commit, e.g. `mediaType`. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Bytes `start` to `end`, both inclusive, counted from 0, as in an HTTP Range. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface BlobRead {
  readonly info: BlobInfo
  /**
   * The bytes, pulled: nothing is fetched ahead of the reader beyond a small fixed window. A whole read checks the
   * digest. It fails with `data_loss` when the bytes are not, and never again will be, those that were stored. Leaving the loop early frees everything.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** An unfinished write. Exactly one of `commit` and `abort` ends it; a failed `write` or `commit` aborts by itself. */
export interface BlobWrite {
  /** Takes some bytes; resolves when there is room for more. The chunk may be reused after it resolves. */
  write(chunk: Uint8Array): Promise<void>
  /** Bytes taken so far. */
  readonly bytes: number
  /**
   * The hexadecimal SHA-256 of all bytes, before anything is readable, so that a caller can decide between `commit` and
   * `abort`. No `write` may follow.
   */
  digest(): Promise<string>
  /**
   * Makes the bytes readable, at once and as a whole, under a name that may depend on their digest.
   *
   * A blob of that name that is already there and fresh enough to be kept stays, the new bytes are dropped and
   * `created` is false; racing commits of one name have exactly one winner.
   */
  commit(
    name: (sha256: string) => string,
    metadata?: Record<string, string>,
  ): Promise<{ info: BlobInfo; created: boolean }>
  /** Drops the bytes; leaves no chunk behind. Goes on without its caller when it takes longer than a second. Harmless after the end. */
  abort(): Promise<void>
}

/** Immutable, named byte strings of any size. One adapter instance is one bucket. */
export interface Blobs {
  begin(): Promise<BlobWrite>
  stat(name: string): Promise<BlobInfo | null>
  /** Null when there is no such blob. @throws Fault `range_not_satisfiable` for a range outside the content. */
  read(name: string, range?: ByteRange): Promise<BlobRead | null>
  /** Removes name and bytes; false when there was none. */
  delete(name: string): Promise<boolean>
}
