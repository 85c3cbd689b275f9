import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const typeA = 1
const headerBytes = 12
/** An answer, authoritative, with recursion to be had. */
const answered = 0x8580
/** The name of the question, pointed at. */
const sameName = 0xc00c

/**
 * A name server on this machine, `address`, for which every name has these IPv4 addresses and nothing else: what stands
 * before several gateways, such as a headless service.
 */
export async function startNames(
  addresses: readonly string[],
): Promise<AsyncDisposable & { address: string }> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => socket.send(answerTo(query, addresses), from.port, from.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close()
    },
  }
}

/** RFC 1035: the question again, and an answer for each address when addresses were asked for. */
function answerTo(query: Buffer, addresses: readonly string[]): Buffer {
  let end = headerBytes
  while (query[end] !== 0) end += (query[end] ?? 0) + 1
  const question = query.subarray(headerBytes, end + 5)
  const found = query.readUInt16BE(end + 1) === typeA ? addresses : []
  const header = Buffer.from(query.subarray(0, headerBytes))
  header.writeUInt16BE(answered, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(found.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, question, ...found.map(record)])
}

function record(address: string): Buffer {
  const made = Buffer.alloc(16)
  made.writeUInt16BE(sameName, 0)
  made.writeUInt16BE(typeA, 2)
  made.writeUInt16BE(1, 4)
  made.writeUInt32BE(1, 6)
  made.writeUInt16BE(4, 10)
  made.set(address.split('.').map(Number), 12)
  return made
}
