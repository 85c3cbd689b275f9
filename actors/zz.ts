import sharp from 'sharp'
import { transformWorker } from './kinds/transform/transform-worker.ts'
import { openSourceImage } from './kinds/transform/open-source-image.ts'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
await transformWorker.warmUp()
const buf = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a0b0c0' } })
  .jpeg()
  .toBuffer()
const base64 = buf.toString('base64')
const recipe = parseRecipe('resize:32')
const input = {
  source: { base64 },
  format: 'jpeg',
  outputs: ['default'],
  folder: '',
  maxPixels: 1e6,
  recipe,
  shortStageMs: 20,
}
const cases: Record<string, () => Promise<unknown>> = {
  plain: () =>
    sharp(buf, { autoOrient: true }).resize({ width: 32, withoutEnlargement: true }).jpeg().toBuffer(),
  metadata: () => sharp(buf, { sequentialRead: true, pages: 1 }).metadata(),
  open: () => openSourceImage(buf, 'jpeg', 1e6),
  run: () => transformWorker.run(input, () => {}),
}
for (let r = 0; r < 3; r++)
  for (const [n, f] of Object.entries(cases)) {
    for (let i = 0; i < 300; i++) await f()
    const c = process.cpuUsage()
    const t = performance.now()
    const N = 1000
    for (let i = 0; i < N; i++) await f()
    const d = process.cpuUsage(c)
    console.log(
      n.padEnd(10),
      ((d.user + d.system) / 1000 / N).toFixed(3),
      'ms cpu',
      'sys',
      (d.system / 1000 / N).toFixed(3),
      'wall',
      ((performance.now() - t) / N).toFixed(3),
    )
  }
