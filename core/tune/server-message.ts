import { z } from 'zod'
import { taskView } from '../api.ts'
import { outputName } from '../recipe/output-name.ts'
import { faultReport } from '../task.ts'
import { previewFormats } from './client-message.ts'

/** What a client hears while it tunes. In the JSON form a preview's bytes follow in a binary frame of their own. */

const side = z.int().positive()
const size = z.object({ width: side, height: side })
const sequence = z.int().min(0)

/** The picture has been read; previews follow. The first of what is heard. */
export const openedMessage = z.object({
  type: z.literal('opened'),
  /** The picture as the first step sees it: upright, unless the recipe says otherwise. */
  source: size,
  /** The copy that previews are made from: equal to the source, or smaller. */
  preview: size,
})
export type OpenedMessage = z.infer<typeof openedMessage>

/** The picture as it will be. */
export const previewMessage = z.object({
  type: z.literal('preview'),
  /** The change that it answers; everything before is answered with it. */
  sequence,
  output: outputName,
  ...size.shape,
  /** What the task would make: as large as the preview, or larger in the same proportions. */
  result: size,
  format: z.enum(previewFormats),
  mediaType: z.string(),
  /** Size of the file that follows. */
  bytes: z.int().positive(),
  /** How long it took to make, in milliseconds. */
  ms: z.number().min(0),
})
export type PreviewMessage = z.infer<typeof previewMessage>

/**
 * Something said could not be done; the session goes on. A recipe that is not valid leaves the one before. One that is
 * valid but cannot be done to this picture stays, so that the next parameter may mend it; it is not applied.
 */
export const refusedMessage = z.object({
  type: z.literal('refused'),
  /** What was refused; absent when it could not be made out. */
  sequence: sequence.optional(),
  /** Whether it was an apply, not a change. */
  apply: z.literal(true).optional(),
  fault: faultReport,
})
export type RefusedMessage = z.infer<typeof refusedMessage>

/** The task has been accepted. The session goes on. */
export const appliedMessage = z.object({
  type: z.literal('applied'),
  /** The change whose recipe it has. */
  sequence,
  task: taskView,
  /** How far the account has written; a read that sends it knows of the task, on whichever gateway. */
  position: z.string().optional(),
})
export type AppliedMessage = z.infer<typeof appliedMessage>

/** The process that made the previews was lost, and another has taken over; the newest change is answered by it. */
export const restoredMessage = z.object({ type: z.literal('restored'), sequence })
export type RestoredMessage = z.infer<typeof restoredMessage>

/** Why the session ends, said last. gRPC says it with the status instead. */
export const failedMessage = z.object({ type: z.literal('failed'), fault: faultReport })
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
