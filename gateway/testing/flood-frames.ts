import { once } from 'node:events'
import type { ConnectionOptions } from 'node:tls'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { frame, frameTypes as types, ping, rawHttp2, reset, startCall } from './raw-http2.ts'

/** The first bytes of a connection, and the frame that it then repeats; `at` counts from 0. */
export interface FrameFlood {
  readonly begin?: (address: string) => Uint8Array
  readonly frame: (at: number, address: string) => Uint8Array
}

const upload = '/pixelflow.v1.ImageService/UploadImage'
const getVersion = '/pixelflow.v1.ImageService/GetVersion'
const one = Buffer.from([0, 0, 0, 1])
const setting = Buffer.from([0, 4, 0, 1, 0, 0])
const opened = (address: string) => startCall(1, upload, address)

/** Floods of HTTP/2 frames without content. */
export const frameFloods: Readonly<Record<string, FrameFlood>> = {
  SETTINGS: { frame: () => frame(types.settings, 0, 0) },
  'SETTINGS that change the window': { frame: () => frame(types.settings, 0, 0, setting) },
  'acknowledgements of SETTINGS': { frame: () => frame(types.settings, 1, 0) },
  PING: { frame: () => ping() },
  PRIORITY: { frame: (at) => frame(types.priority, 0, 2 * at + 3, Buffer.alloc(5)) },
  'WINDOW_UPDATE of the connection': { frame: () => frame(types.windowUpdate, 0, 0, one) },
  'WINDOW_UPDATE of a stream': { begin: opened, frame: () => frame(types.windowUpdate, 0, 1, one) },
  'empty DATA': { begin: opened, frame: () => frame(types.data, 0, 1) },
  'DATA of one byte': { begin: opened, frame: () => frame(types.data, 0, 1, one.subarray(0, 1)) },
  'empty CONTINUATION': {
    begin: (address) => startCall(1, upload, address, 0),
    frame: () => frame(types.continuation, 0, 1),
  },
  'long CONTINUATION': {
    begin: (address) => startCall(1, upload, address, 0),
    frame: () => frame(types.continuation, 0, 1, Buffer.alloc(16_000)),
  },
  'RST_STREAM of calls just begun': {
    frame: (at, address) => Buffer.concat([startCall(2 * at + 1, getVersion, address), reset(2 * at + 1)]),
  },
  'frames of an unknown type': { frame: () => frame(0x42, 0, 0) },
}

const framesAtOnce = 2000
const maxFrames = 400_000
const closeTimeoutMs = 30_000

/** Sends the flood until the server ends the connection; returns the error code and the debug text of GOAWAY. */
export async function sendFrames(
  { begin, frame: next }: FrameFlood,
  address: string,
  tls?: ConnectionOptions,
): Promise<{ code: number | undefined; reason: string | undefined }> {
  using client = await rawHttp2(address, tls)
  if (begin) client.send(begin(address))
  const goaway = () => client.frames.find(({ type }) => type === types.goaway)
  for (let at = 0; at < maxFrames && !client.isClosed && !goaway(); at += framesAtOnce) {
    const some = Array.from({ length: framesAtOnce }, (_, i) => next(at + i, address))
    if (!client.socket.write(Buffer.concat(some))) {
      const drained = once(client.socket, 'drain').catch(() => {})
      await Promise.race([
        drained,
        waitFor('connection closed or GOAWAY', () => client.isClosed || goaway() !== undefined, Boolean, {
          timeoutMs: closeTimeoutMs,
        }),
      ])
    }
  }
  await waitFor('connection closed', () => client.isClosed, Boolean, { timeoutMs: closeTimeoutMs })
  return { code: goaway()?.body.readUInt32BE(4), reason: goaway()?.body.subarray(8).toString() }
}
