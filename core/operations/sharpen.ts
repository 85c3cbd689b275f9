import { z } from 'zod'
import { pictureOperation, previewScale } from '../recipe/operation.ts'

/** The smallest sigma: a smaller one affects less than a pixel. */
const finest = 0.3

const level = (fallback: number, title: string, description: string) =>
  z.number().min(0).max(100).default(fallback).meta({ title, description })

const schema = z.strictObject({
  op: z.literal('sharpen'),
  sigma: z.number().min(finest).max(10).default(1).meta({
    title: 'Sigma',
    description: 'Width of the edges that are sharpened, in pixels.',
  }),
  flat: level(1, 'Flat areas', 'How much flat areas are sharpened.'),
  edges: level(2, 'Edges', 'How much edges are sharpened.'),
  threshold: level(
    2,
    'Threshold',
    'Difference in lightness (L* levels) from which something counts as an edge.',
  ),
  brighten: level(10, 'Brighten limit', 'How much brighter a pixel may become at most (L* levels).'),
  darken: level(20, 'Darken limit', 'How much darker a pixel may become at most (L* levels).'),
})

/** Sharpens the lightness channel, with separate strengths for flat areas and edges. */
export const sharpen = pictureOperation({
  schema,
  title: 'Sharpen',
  summary: 'Sharpens edges; most useful after scaling down.',
  section: 'filter',
  positional: ['sigma', 'flat', 'edges'],
  examples: ['resize:800/sharpen', 'sharpen:1.5:0.5:3'],
  slot: () => 'sharpen',
  after: (_, before) => before,
  scaleForPreview: (step, context) => {
    const sigma = step.sigma * previewScale(context)
    return sigma < finest ? [] : [{ ...step, sigma }]
  },
  apply: (pipeline, step) =>
    pipeline.sharpen({
      sigma: step.sigma,
      m1: step.flat,
      m2: step.edges,
      x1: step.threshold,
      y2: step.brighten,
      y3: step.darken,
    }),
})
