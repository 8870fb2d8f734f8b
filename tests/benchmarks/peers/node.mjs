// npm's mailauth as a peer of the benchmarks: see python.py for the lines that are read and written.
// Arguments: the folder in which `npm install mailauth` was run, and that of the corpus.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [home, corpus] = process.argv.slice(2);
const require = createRequire(path.resolve(home) + '/');
const say = (...fields) => console.log(fields.map(field => String(field).replace(/\s+/g, ' ')).join('\t'));

let library, version;
try {
    library = require('mailauth');
    version = JSON.parse(fs.readFileSync(path.resolve(home, 'node_modules/mailauth/package.json'))).version;
} catch (error) {
    say('missing', error.message.split('\n')[0]);
    process.exit(0);
}

const client = { ip: '192.0.2.10', helo: 'out.example.com', sender: 'bounce@mail.example.com', mta: 'mx.example.org' };
const zone = JSON.parse(fs.readFileSync(path.join(corpus, 'zone.json')));

const resolver = async (name, type) => {
    const found = zone[name.toLowerCase().replace(/\.$/, '')]?.[type];
    if (!found) {
        throw Object.assign(new Error(name), { code: 'ENOTFOUND' });
    }
    if (type === 'TXT') {
        return found.map(text => [text]);
    }
    return type === 'MX' ? found.map(([priority, exchange]) => ({ priority, exchange })) : found;
};

let kept = {};
const raw = file => {
    if (kept.file !== file) {
        kept = { file, data: fs.readFileSync(file) };
    }
    return kept.data;
};

const verdict = words => (words.length && words.every(word => word === 'pass') ? 'pass' : words.join(' ') || 'none');

const jobs = {
    async all(file) {
        const found = await library.authenticate(raw(file), { ...client, resolver, disableBimi: true });
        const chain = found.arc?.status?.result;
        const words = [found.spf.status.result, found.dmarc.status.result];
        words.push(...found.dkim.results.map(each => each.status.result));
        return verdict(chain && chain !== 'none' ? [...words, chain] : words);
    },
    async dkim(file) {
        const found = await library.dkimVerify(raw(file), { resolver });
        return verdict(found.results.map(each => each.status.result));
    },
    async arc(file) {
        const found = await library.dkimVerify(raw(file), { resolver });
        return verdict([(await library.arc(found.arc, { resolver }))?.status?.result]);
    },
    async spf(sender) {
        return verdict([(await library.spf({ ...client, sender, resolver })).status.result]);
    }
};

say('ready', version, ...Object.keys(jobs));
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [job, subject, repeats] = line.split('\t');
    try {
        let found;
        if (job !== 'spf') {
            raw(subject);
        }
        const start = process.hrtime.bigint();
        for (let n = 0; n < Number(repeats); n++) {
            found = await jobs[job](subject);
        }
        say(Number(process.hrtime.bigint() - start) / 1e9, found);
    } catch (error) {
        say('error', error.message);
    }
}
