import type { Socket } from 'bun'

interface Listeners {
  data?: (frame: Buffer) => void
  error?: (error: Error) => void
  close?: () => void
}

/**
 * A TCP connection on Bun's own socket, with those methods of node:net's `Socket` that the client library calls: its streams
 * cost more than the rest of the work for a small message. No upstream issue is known. Remove this when a small write to a `Socket`
 * of node:net costs what one to Bun's socket does.
 */
export class PlainSocket {
  #socket: Socket | undefined
  #listeners: Listeners = {}
  /** What the operating system does not take yet. */
  #unwritten: Uint8Array[] = []
  #isBlocked = false
  destroyed = false
  bytesRead = 0
  /** Without what the operating system does not take yet. */
  bytesWritten = 0

  /** @throws Error with `code` ECONNREFUSED and the like when nothing accepts the connection. */
  static async connect(hostname: string, port: number): Promise<PlainSocket> {
    const plain = new PlainSocket()
    const socket = await Bun.connect({
      hostname,
      port,
      socket: {
        binaryType: 'buffer',
        data: (_, frame) => plain.#onData(frame),
        drain: () => plain.#writeRest(),
        error: (_, error) => plain.destroy(error),
        close: (_, error) => plain.destroy(error),
      },
    })
    socket.setNoDelay(true)
    plain.#socket = socket
    return plain
  }

  /** One listener for each event; events that Bun's socket does not have are ignored. */
  on<E extends keyof Listeners>(event: E, listener: Required<Listeners>[E]): void {
    this.#listeners[event] = listener
  }

  removeAllListeners(event?: keyof Listeners): void {
    if (event === undefined) this.#listeners = {}
    else delete this.#listeners[event]
  }

  /** Writes all bytes, in order; they must not be changed afterwards. */
  write(bytes: Uint8Array, done?: () => void): void {
    if (this.#isBlocked) this.#unwritten.push(bytes)
    else this.#writeNow(bytes)
    done?.()
  }

  destroy(error?: Error): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#unwritten = []
    this.#socket?.end()
    if (error) this.#listeners.error?.(error)
    this.#listeners.close?.()
  }

  #onData(frame: Buffer): void {
    this.bytesRead += frame.length
    this.#listeners.data?.(frame)
  }

  #writeNow(bytes: Uint8Array): void {
    if (this.destroyed || bytes.length === 0) return
    const written = Math.max(0, this.#socket?.write(bytes) ?? 0)
    this.bytesWritten += written
    if (written === bytes.length) return
    this.#isBlocked = true
    this.#unwritten.unshift(bytes.subarray(written))
  }

  #writeRest(): void {
    this.#isBlocked = false
    while (!this.#isBlocked) {
      const next = this.#unwritten.shift()
      if (next === undefined) return
      this.#writeNow(next)
    }
  }
}
