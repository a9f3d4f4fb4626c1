// EIP-712 by the npm package viem: reads {"domain", "types", "items": [{"primaryType", "message", "signature"?, "address"?}, …]} from
// standard input and prints {"digest", "signature65"?, "signer"?, "verified"?} for each; a signature is 64 bytes of EIP-2098.
import { text } from 'node:stream/consumers'
import {
  compactSignatureToSignature,
  hashTypedData,
  parseCompactSignature,
  recoverTypedDataAddress,
  serializeSignature,
} from 'viem'
import { verifyTypedData } from 'viem/utils'

const { domain, types, items } = JSON.parse(await text(process.stdin))
const answers = []
for (const { primaryType, message, signature, address } of items) {
  const typed = { domain, types, primaryType, message }
  const answer = { digest: hashTypedData(typed) }
  if (signature) {
    const whole = serializeSignature(compactSignatureToSignature(parseCompactSignature(signature)))
    answer.signature65 = whole
    answer.signer = await recoverTypedDataAddress({ ...typed, signature: whole })
    answer.verified = await verifyTypedData({ ...typed, signature: whole, address })
  }
  answers.push(answer)
}
process.stdout.write(JSON.stringify(answers))
