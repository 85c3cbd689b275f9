import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const typeA = 1
const headerBytes = 12
/** Flags of a response: authoritative, recursion available, no error. */
const responseFlags = 0x8580
/** Compression pointer to the name in the question. */
const questionName = 0xc00c

/**
 * Starts a name server that answers every name with these IPv4 addresses, as a headless Kubernetes service does for
 * several gateways. Changes of the array take effect at once.
 */
export async function startNameServer(
  addresses: readonly string[],
): Promise<AsyncDisposable & { address: string }> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) =>
    socket.send(createResponse(query, addresses), from.port, from.address),
  )
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close()
    },
  }
}

/** RFC 1035: repeats the question, and adds an answer for each address to a query of type A. */
function createResponse(query: Buffer, addresses: readonly string[]): Buffer {
  let end = headerBytes
  while (query[end] !== 0) end += (query[end] ?? 0) + 1
  const question = query.subarray(headerBytes, end + 5)
  const responses = query.readUInt16BE(end + 1) === typeA ? addresses : []
  const header = Buffer.from(query.subarray(0, headerBytes))
  header.writeUInt16BE(responseFlags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(responses.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, question, ...responses.map(createRecord)])
}

function createRecord(address: string): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt16BE(questionName, 0)
  record.writeUInt16BE(typeA, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(1, 6)
  record.writeUInt16BE(4, 10)
  record.set(address.split('.').map(Number), 12)
  return record
}
