import { z } from 'zod'
import { id } from './image.ts'
import { defaultLane, lane } from './job.ts'

/** JSON body of `POST /api/v1/tasks`. `recipe` is the short text form or an object. */
export const createTaskBody = z.strictObject({
  image: id,
  recipe: z.union([z.string(), z.record(z.string(), z.unknown())]),
  lane: lane.default(defaultLane),
})
