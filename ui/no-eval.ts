import { z } from 'zod'

// The page's content policy forbids making code from strings. zod would notice by trying, which browsers report as a
// violation; it must be told before core makes its first schema, so this is the first import of main.tsx.
z.config({ jitless: true })
