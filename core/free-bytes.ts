const freeable = new WeakMap<Uint8Array, () => void>()

/**
 * Allows the consumer of a piece to free its memory with `freeBytes`. The producer must have no other use for it.
 * @param free frees the memory; by default that of the whole piece, if it has its memory for itself
 */
export function allowFree(piece: Uint8Array, free?: () => void): void {
  if (free !== undefined) freeable.set(piece, free)
  else if (hasOwnMemory(piece)) freeable.set(piece, () => detach(piece))
}

/**
 * Frees the memory of a piece now, if its producer allows it; the piece must not be used afterwards. For consumers that have
 * copied the bytes. The garbage collector frees large pieces late, so the next ones would need fresh memory from the system,
 * which costs more than receiving them.
 * @returns false for a piece that only the garbage collector can free
 */
export function freeBytes(piece: Uint8Array): boolean {
  const free = freeable.get(piece)
  if (free === undefined) return false
  freeable.delete(piece)
  free()
  return true
}

/**
 * Allows the consumers of views of one buffer to free them; the memory is freed with the last one. No effect when the buffer is a
 * part of larger memory. Call `close` when there are no further views.
 */
export interface SharedMemory {
  /** Adds a view, which its consumer may free. */
  share(view: Uint8Array): void
  /** The buffer has other users now, so only the garbage collector can free it. */
  pin(): void
  close(): void
}

export function shareMemory(buffer: Uint8Array): SharedMemory {
  // The caller of `close` is the first user.
  let users = hasOwnMemory(buffer) ? 1 : Infinity
  const release = () => {
    users -= 1
    if (users === 0) detach(buffer)
  }
  return {
    share(view) {
      users += 1
      allowFree(view, release)
    },
    pin() {
      users = Infinity
    },
    close: release,
  }
}

function hasOwnMemory(piece: Uint8Array): boolean {
  return piece.byteLength === piece.buffer.byteLength
}

function detach(piece: Uint8Array): void {
  ;(piece.buffer as ArrayBuffer).transfer(0)
}
