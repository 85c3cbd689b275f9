import { ref, type Json } from './ref.ts'

/** The body of `GET /api/v1/operations`. */
export const operationCatalogueSchemas = {
  OperationCatalogue: {
    type: 'object',
    description: 'Every operation with the JSON Schema of its parameters, and the schema of a recipe.',
    properties: {
      operations: { type: 'array', items: ref('Operation') },
      recipe: { type: 'object', description: 'JSON Schema of a recipe.', additionalProperties: true },
    },
    required: ['operations', 'recipe'],
  },
  Operation: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      title: { type: 'string' },
      summary: { type: 'string' },
      place: {
        type: 'string',
        enum: ['first', 'any', 'last'],
        description: 'The allowed position among the steps of an output.',
      },
      schema: { type: 'object', description: 'JSON Schema of a step.', additionalProperties: true },
      text: ref('OperationText'),
      examples: { type: 'array', items: ref('OperationExample') },
    },
    required: ['name', 'title', 'summary', 'place', 'schema', 'text', 'examples'],
  },
  OperationText: {
    type: 'object',
    description: 'The operation in the short text form.',
    properties: {
      usage: { type: 'string', description: 'The form with its parameters.' },
      positional: {
        type: 'array',
        items: { type: 'string' },
        description: 'Parameters whose values can be written without a name, in order.',
      },
    },
    required: ['usage', 'positional'],
  },
  OperationExample: {
    type: 'object',
    description: 'A recipe in both forms.',
    properties: { text: { type: 'string' }, recipe: ref('Recipe') },
    required: ['text', 'recipe'],
  },
} satisfies Record<string, Json>
