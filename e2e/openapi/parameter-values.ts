import type { SeededValues } from './seed-values.ts'

/** A list of seeded values, and the share of generated requests that take the parameter from it. */
export type ParameterValues = readonly [values: keyof SeededValues, probability: number]

/**
 * Parameters whose valid values the OpenAPI document cannot give, by operation and by place and name. The other requests
 * have values that are generated from the schema of the parameter.
 */
export const parameterValues: Readonly<Record<string, Readonly<Record<string, ParameterValues>>>> = {
  getImage: { 'path.id': ['images', 0.8] },
  deleteImage: { 'path.id': ['spareImages', 0.8] },
  getImageContent: contentParameters({ 'path.id': ['images', 0.8] }),
  headImageContent: contentParameters({ 'path.id': ['images', 0.8] }),
  createTask: {
    'body.image': ['images', 0.8],
    'body.recipe': ['recipes', 0.4],
    'header.Idempotency-Key': ['keys', 0.5],
  },
  uploadImage: { 'header.Idempotency-Key': ['keys', 0.5] },
  listTasks: { 'query.cursor': ['taskCursors', 0.8], 'header.pixelflow-position': ['positions', 0.8] },
  getTask: { 'path.id': ['tasks', 0.8], 'header.pixelflow-position': ['positions', 0.8] },
  deleteTask: { 'path.id': ['spareTasks', 0.8] },
  cancelTask: { 'path.id': ['activeTasks', 0.8] },
  retryTask: { 'path.id': ['tasks', 0.8], 'header.Idempotency-Key': ['keys', 0.5] },
  watchTask: {
    'path.id': ['tasks', 0.8],
    'header.Last-Event-ID': ['resumeTokens', 0.8],
    'query.lastEventId': ['resumeTokens', 0.8],
    'query.after': ['resumeTokens', 0.8],
  },
  getOutput: contentParameters({ 'path.id': ['completedTasks', 0.8], 'path.name': ['outputs', 0.9] }),
  headOutput: contentParameters({ 'path.id': ['completedTasks', 0.8], 'path.name': ['outputs', 0.9] }),
  processImage: {
    'query.recipe': ['recipes', 0.8],
    'query.output': ['outputs', 0.5],
    'body.recipe': ['recipes', 0.8],
    'header.Prefer': ['preferences', 0.5],
    'header.Idempotency-Key': ['keys', 0.5],
  },
  listDeadLetters: { 'query.cursor': ['deadLetterCursors', 0.8] },
  getDeadLetter: { 'path.id': ['deadLetters', 0.8] },
  replayDeadLetter: { 'path.id': ['deadLetters', 0.8] },
  deleteDeadLetter: { 'path.id': ['spareDeadLetters', 0.8] },
}

function contentParameters(path: Readonly<Record<string, ParameterValues>>) {
  return {
    ...path,
    'header.If-Match': ['etags', 0.7],
    'header.If-None-Match': ['etags', 0.7],
    'header.If-Range': ['etags', 0.7],
    'header.Range': ['ranges', 0.8],
  } satisfies Record<string, ParameterValues>
}
