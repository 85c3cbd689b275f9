/** Attributes of spans: names of OpenTelemetry's semantic conventions where they have one, else with a prefix of our own. */
export const attributeNames = {
  task: 'pixelflow.task.id',
} as const
