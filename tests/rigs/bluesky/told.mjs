// What both processes share: where the packages are, and what the rig wants of them.
import { createRequire } from 'node:module'

export const installed = createRequire(`${process.env.HARK_RIG_PACKAGES}/`)

export const wanted = JSON.parse(process.argv[2])
