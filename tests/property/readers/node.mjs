// Lines of base64 in, each the body of a From field; lines of JSON out: the addresses that each reader finds in it.
import { createInterface } from "node:readline";
import emailAddresses from "email-addresses";
import { simpleParser } from "mailparser";
import PostalMime, { addressParser, decodeWords } from "postal-mime";

const flat = (list) => (list ?? []).flatMap((one) => (one.group ? flat(one.group) : [one.address ?? ""]));

function quietly(read) {
  try {
    return read();
  } catch {
    return [];
  }
}

function strict(text, options) {
  const found = quietly(() => emailAddresses.parseAddressList({ input: text, rfc6532: true, ...options }));
  return (found ?? []).flatMap((one) => (one.addresses ?? [one]).map((member) => member.address));
}

for await (const line of createInterface({ input: process.stdin })) {
  const body = Buffer.from(line, "base64");
  const message = Buffer.concat([Buffer.from("From: "), body, Buffer.from("\r\n\r\n")]);
  const text = body.toString("utf8").replaceAll("\r\n", "").trim();
  const mailparser = await simpleParser(message).catch(() => null);
  const postal = await PostalMime.parse(message).catch(() => null);
  const answer = {
    mailparser: flat(mailparser?.from?.value),
    "postal-mime": flat(postal?.from ? [postal.from] : []),
    "postal-mime list": quietly(() => flat(addressParser(text))),
    "postal-mime decoded": quietly(() => flat(addressParser(decodeWords(text)))),
    "email-addresses": strict(text, {}),
    "email-addresses lenient": strict(text, { atInDisplayName: true, commaInDisplayName: true }),
  };
  process.stdout.write(JSON.stringify(answer) + "\n");
}
