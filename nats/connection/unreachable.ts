/** No answer: the connection is lost, the broker is starting, or it is overloaded. Retryable. */
export class Unreachable extends Error {
  override readonly name: string = 'Unreachable'
}

/** This process has closed the connection. Not retryable. */
export class ConnectionClosed extends Unreachable {
  override readonly name = 'ConnectionClosed'
}

/** The server's storage is full. Retryable: another server may take over, or space may be freed. */
export class StorageFull extends Unreachable {
  override readonly name = 'StorageFull'
}

/** The subject has no subscriber: JetStream is disabled, the stream does not exist, or it is starting. */
export class NoResponders extends Unreachable {
  override readonly name = 'NoResponders'
}
