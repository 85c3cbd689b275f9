// Generated from the declarations of calls in gateway: `./pixelflow verify --write`.

import type { InputOf, OutputOf } from '@pixelflow/core/component'
import type * as inputs from '@pixelflow/core/inputs'
import type * as views from '@pixelflow/core/views'

/** How each call is made over HTTP. */
export const httpCalls = {
  cancelTask: {"route":"POST /api/v1/tasks/{id}/cancel","returns":"status"},
  createTask: {"route":"POST /api/v1/tasks","hasBody":true,"creates":true,"returns":"status"},
  deleteImage: {"route":"DELETE /api/v1/images/{id}"},
  deleteTask: {"route":"DELETE /api/v1/tasks/{id}"},
  getImage: {"route":"GET /api/v1/images/{id}","returns":"sha256"},
  getOperation: {"route":"GET /api/v1/operations/{name}","returns":"name"},
  getSettings: {"route":"GET /api/v1/settings","returns":"version"},
  getTask: {"route":"GET /api/v1/tasks/{id}","returns":"status"},
  listActors: {"route":"GET /api/v1/actors","returns":"items"},
  listOperations: {"route":"GET /api/v1/operations","returns":"operations"},
  listTasks: {"route":"GET /api/v1/tasks","query":["status","limit","cursor"],"returns":"items"},
  retryTask: {"route":"POST /api/v1/tasks/{id}/retry","creates":true,"returns":"status"},
} as const

/** The calls of operators: a table of its own, so that the bundle of a page is without it. */
export const adminCalls = {
  deleteDeadLetter: {"route":"DELETE /api/v1/admin/dead/{id}"},
  getDeadLetter: {"route":"GET /api/v1/admin/dead/{id}","returns":"kind"},
  listDeadLetters: {"route":"GET /api/v1/admin/dead","query":["account","limit","cursor"],"returns":"items"},
  replayDeadLetter: {"route":"POST /api/v1/admin/dead/{id}/replay","returns":"kind"},
} as const

export interface CallTypes {
  cancelTask: { input: InputOf<typeof inputs.taskRef>; output: OutputOf<typeof views.taskView> }
  createTask: { input: InputOf<typeof inputs.createTaskInput>; output: OutputOf<typeof views.taskView> }
  deleteDeadLetter: { input: InputOf<typeof inputs.deadLetterRef>; output: undefined }
  deleteImage: { input: InputOf<typeof inputs.imageRef>; output: undefined }
  deleteTask: { input: InputOf<typeof inputs.taskRef>; output: undefined }
  getDeadLetter: { input: InputOf<typeof inputs.deadLetterRef>; output: OutputOf<typeof views.deadLetterView> }
  getImage: { input: InputOf<typeof inputs.imageRef>; output: OutputOf<typeof views.imageView> }
  getOperation: { input: InputOf<typeof inputs.operationRef>; output: OutputOf<typeof views.operationView> }
  getSettings: { input: InputOf<typeof inputs.noInput>; output: OutputOf<typeof views.settingsView> }
  getTask: { input: InputOf<typeof inputs.taskRef>; output: OutputOf<typeof views.taskView> }
  listActors: { input: InputOf<typeof inputs.noInput>; output: OutputOf<typeof views.actorsView> }
  listDeadLetters: { input: InputOf<typeof inputs.listDeadLettersInput>; output: OutputOf<typeof views.deadLetterPageView> }
  listOperations: { input: InputOf<typeof inputs.noInput>; output: OutputOf<typeof views.operationsView> }
  listTasks: { input: InputOf<typeof inputs.listTasksInput>; output: OutputOf<typeof views.taskPageView> }
  replayDeadLetter: { input: InputOf<typeof inputs.deadLetterRef>; output: OutputOf<typeof views.deadLetterView> }
  retryTask: { input: InputOf<typeof inputs.taskRef>; output: OutputOf<typeof views.taskView> }
}

/** Calls that both protocols have. */
export type CallName = 'cancelTask' | 'createTask' | 'deleteImage' | 'deleteTask' | 'getImage' | 'getOperation' | 'getSettings' | 'getTask' | 'listActors' | 'listOperations' | 'listTasks' | 'retryTask'
