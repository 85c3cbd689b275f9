import { testAddresses } from './addresses.ts'
import { prepareSharedTarget } from './shared-target.ts'
import { testHostileImages } from './hostile-images.ts'
import { testForms } from './forms.ts'
import { testProtocol } from './protocol.ts'
import { testRaces } from './races.ts'
import { testRecipes } from './recipes.ts'
import { testSvgFiles } from './svg-files.ts'
import { testUploads } from './uploads.ts'

/** Attacks the real processes from outside. After each attack they must work as before. */

prepareSharedTarget()
testUploads()
testForms()
testHostileImages()
testSvgFiles()
testRecipes()
testAddresses()
testProtocol()
testRaces()
