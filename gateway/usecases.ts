import * as calls from './calls/calls.gen.ts'
import { stageImage } from './images/upload-image.ts'
import type { Ports } from './ports.ts'
import { bufferImage } from './process/buffer-image.ts'
import { acceptTask } from './tasks/accept-task.ts'

type Calls = typeof calls
interface OpenStream<Usecase = unknown> {
  readonly kind: 'stream'
  readonly open: (ports: Ports) => Usecase
}

/** The use cases of the calls whose bodies the transports read and write themselves, by the names of the calls. */
type StreamUsecases = {
  [Name in keyof Calls as Calls[Name] extends OpenStream ? Name : never]: Calls[Name] extends OpenStream<
    infer Usecase
  >
    ? Usecase
    : never
}

/** What transports call for files, streams and sessions. The runner makes the other calls. */
export interface Usecases extends StreamUsecases {
  readonly stageImage: ReturnType<typeof stageImage>
  readonly bufferImage: ReturnType<typeof bufferImage>
  readonly acceptTask: ReturnType<typeof acceptTask>
}

export function createUsecases(ports: Ports): Usecases {
  const opened = Object.entries(calls).flatMap(([name, call]) =>
    call.kind === 'stream' && 'open' in call ? [[name, call.open(ports)]] : [],
  )
  return {
    ...(Object.fromEntries(opened) as StreamUsecases),
    stageImage: stageImage(ports),
    bufferImage: bufferImage(ports),
    acceptTask: acceptTask(ports),
  }
}
