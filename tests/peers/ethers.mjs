// Typed data and contract calls by the npm package ethers: reads {"domain", "types", "typed": [{"message", "signature"}, …], "abi",
// "calls": [{"name", "arguments"}, …], "errors": ["0x…"]} from standard input; prints digests and signers, call data, topics, errors.
import { text } from 'node:stream/consumers'
import { Interface, Signature, TypedDataEncoder, verifyTypedData } from 'ethers'

const { domain, types, typed, abi, calls, errors } = JSON.parse(await text(process.stdin))
const contract = new Interface(abi)
const plain = (value) => (typeof value === 'bigint' ? value.toString() : Array.isArray(value) ? value.map(plain) : value)
process.stdout.write(
  JSON.stringify({
    typed: typed.map(({ message, signature }) => ({
      digest: TypedDataEncoder.hash(domain, types, message),
      signer: verifyTypedData(domain, types, message, Signature.from(signature)),
    })),
    calls: calls.map(({ name, arguments: given }) => contract.encodeFunctionData(name, given)),
    topics: Object.fromEntries(contract.fragments.filter((f) => f.type === 'event').map((f) => [f.name, f.topicHash])),
    errors: errors.map((data) => {
      const found = contract.parseError(data)
      return { name: found.name, values: plain([...found.args]) }
    }),
  }),
)
