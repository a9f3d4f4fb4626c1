// EIP-4361 messages by the npm package `siwe`: reads lines of JSON {"compose": {...}} or {"parse": "..."}, writes lines of JSON.
import { createInterface } from "node:readline";
import { SiweMessage } from "siwe";

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    if (asked.compose) {
      console.log(JSON.stringify({ text: new SiweMessage(asked.compose).prepareMessage() }));
    } else {
      const read = new SiweMessage(asked.parse);
      console.log(JSON.stringify({ fields: read, again: read.prepareMessage() }));
    }
  } catch (error) {
    console.log(JSON.stringify({ error: String(error?.type ?? error?.message ?? error) }));
  }
}
