import { z } from 'zod'
import { taskView } from '../views.ts'
import { outputName } from '../recipe/output-name.ts'
import { faultReport } from '../task.ts'
import { previewFormats } from './client-message.ts'

/** Messages of the server in a tuning session. In the JSON form, a preview's bytes follow in a separate binary frame. */

const side = z.int().positive()
const size = z.object({ width: side, height: side })
const sequence = z.int().min(0)

/** The first message: the image has been read, and previews follow. */
export const openedMessage = z.object({
  type: z.literal('opened'),
  /** Size of the image before the first step: upright, unless the recipe sets orient to false. */
  source: size,
  /** Size of the copy from which previews are rendered, at most that of the source. */
  preview: size,
})
export type OpenedMessage = z.infer<typeof openedMessage>

/** A preview. */
export const previewMessage = z.object({
  type: z.literal('preview'),
  /** The change that it answers. Earlier changes get no preview of their own. */
  sequence,
  output: outputName,
  ...size.shape,
  /** Size of the task's result, in the same proportions as the preview. */
  result: size,
  format: z.enum(previewFormats),
  mediaType: z.string(),
  /** Size of the file that follows. */
  bytes: z.int().positive(),
  /** Rendering time in milliseconds. */
  ms: z.number().min(0),
})
export type PreviewMessage = z.infer<typeof previewMessage>

/**
 * A message of the client failed; the session continues. An invalid recipe leaves the previous one in place. A valid recipe
 * that does not fit the image becomes the current one, so that the next change can correct it, but cannot be applied.
 */
export const refusedMessage = z.object({
  type: z.literal('refused'),
  /** Number of the refused change; absent if the message had none. */
  sequence: sequence.optional(),
  /** True if the message was an `apply`. */
  apply: z.literal(true).optional(),
  fault: faultReport,
})
export type RefusedMessage = z.infer<typeof refusedMessage>

/** The task was created. The session continues. */
const appliedMessage = z.object({
  type: z.literal('applied'),
  /** The change with the recipe of the task. */
  sequence,
  task: taskView,
  /** Position of the write. A read that sends it includes the task, on any gateway. */
  position: z.string().optional(),
})
export type AppliedMessage = z.infer<typeof appliedMessage>

/** The preview process was lost. Another one has taken over and answers the newest change. */
const restoredMessage = z.object({ type: z.literal('restored'), sequence })
export type RestoredMessage = z.infer<typeof restoredMessage>

/** The last message of a failed session. gRPC uses the status instead. */
const failedMessage = z.object({ type: z.literal('failed'), fault: faultReport })
export type FailedMessage = z.infer<typeof failedMessage>

export const serverMessage = z.discriminatedUnion('type', [
  openedMessage,
  previewMessage,
  refusedMessage,
  appliedMessage,
  restoredMessage,
  failedMessage,
])
export type ServerMessage = z.infer<typeof serverMessage>
