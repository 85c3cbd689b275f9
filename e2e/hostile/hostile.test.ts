import { addresses } from './addresses.ts'
import { prepare } from './attack.ts'
import { hostilePictures } from './bombs.ts'
import { forms } from './forms.ts'
import { protocol } from './protocol.ts'
import { races } from './races.ts'
import { recipes } from './recipes.ts'
import { drawings } from './svg.ts'
import { uploads } from './uploads.ts'

/** The running product, attacked from outside. After each attack it must be as it was before. */

prepare()
uploads()
forms()
hostilePictures()
drawings()
recipes()
addresses()
protocol()
races()
