import type { Fault } from '../fault.ts'

/** A stored blob, as its store describes it. */
export interface BlobInfo {
  readonly name: string
  readonly bytes: number
  /** Hexadecimal SHA-256 of the content, computed while writing. */
  readonly sha256: string
  /** When it was committed. */
  readonly storedAt: Date
  /** String pairs given at commit, e.g. `mediaType`. */
  readonly metadata: Readonly<Record<string, string>>
  /**
   * Where the store keeps the bytes: an opaque string of at most `maxLocationLength` characters. With it `readLocated`
   * needs no description. Missing when the store cannot tell, for example for a blob of another client. It may contain the
   * bytes, see `CommitOptions`.
   */
  readonly location?: string
}

/** Most bytes that a location may contain. Longer ones cost less as a blob of their own. */
export const maxInlineBytes = 8 * 1024
/** Longest location, with `maxInlineBytes` in base64 and some characters besides. */
export const maxLocationLength = 11_000

/** A blob that can be read without asking for its description, if its location is known. */
export interface LocatedBlob {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly location?: string | undefined
}

/** Bytes `start` to `end`, both inclusive, counted from 0, as in an HTTP Range. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface BlobRead {
  readonly info: BlobInfo
  /**
   * The bytes, pulled: at most a small fixed window is fetched ahead of the reader. Reading the whole blob checks the
   * digest. Fails with `data_loss` when the stored bytes are permanently damaged. Ending the iteration early releases
   * all resources.
   */
  readonly body: AsyncIterable<Uint8Array>
}

export interface CommitOptions {
  /**
   * Whether few bytes may stay out of the store, in the location: the caller keeps it in a record that lives as long as the
   * blob would. The blob then has no name, so only `readLocated` finds it.
   */
  readonly mayInline?: boolean
}

/** An unfinished write. `commit` or `abort` ends it; a failed `write` or `commit` aborts it. */
export interface BlobWrite {
  /** Writes bytes; resolves when more can be written. The caller may reuse the chunk after that. */
  write(chunk: Uint8Array): Promise<void>
  /** Bytes written so far. */
  readonly bytes: number
  /**
   * The hexadecimal SHA-256 of all bytes, before any of them is readable, so that the caller can choose between
   * `commit` and `abort`. No `write` may follow.
   */
  digest(): Promise<string>
  /**
   * Makes the bytes readable, all at once, under a name that may depend on their digest. If a blob of that name exists
   * and is recent enough, it stays, the new bytes are dropped and `created` is false. Of concurrent commits of one name
   * exactly one creates the blob.
   */
  commit(
    name: (sha256: string) => string,
    metadata?: Record<string, string>,
    options?: CommitOptions,
  ): Promise<{ info: BlobInfo; created: boolean }>
  /** Removes the bytes and all stored chunks; continues in the background after a second. No effect after the end. */
  abort(): Promise<void>
}

/** Immutable, named byte strings of any size. One adapter instance is one bucket. */
export interface Blobs {
  /** @param announcedBytes how many bytes are expected; neither a promise nor a limit */
  begin(announcedBytes?: number): Promise<BlobWrite>
  stat(name: string): Promise<BlobInfo | null>
  /** Null when the blob does not exist. @throws Fault `range_not_satisfiable` for a range outside the content. */
  read(name: string, range?: ByteRange): Promise<BlobRead | null>
  /**
   * The bytes like the body of `read`, but read where they were when the location was noted: one exchange less. When they are
   * no longer there, the name is looked up, and reading continues if it has the same bytes. Without a location the name is
   * looked up first. Fails with the fault of `createMissingFault` when the blob does not exist. Nothing is read before the
   * iteration, which must happen.
   */
  readLocated(
    blob: LocatedBlob,
    createMissingFault: () => Fault,
    range?: ByteRange,
  ): AsyncIterable<Uint8Array>
  /** Removes name and bytes; false when the blob does not exist. */
  delete(name: string): Promise<boolean>
}
