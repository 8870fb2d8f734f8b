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

let listed = {};
const mix = file => {
    if (listed.file !== file) {
        const lines = fs.readFileSync(file, 'utf8').trim().split('\n').map(line => line.split('\t'));
        const mails = lines.map(([path, ip, helo, sender]) => ({ data: fs.readFileSync(path), ip, helo, sender }));
        listed = { file, mails };
    }
    return listed.mails;
};

const verdict = words => (words.length && words.every(word => word === 'pass') ? 'pass' : words.join(' ') || 'none');

const whole = async (data, connection) => {
    const found = await library.authenticate(data, { ...client, ...connection, resolver, disableBimi: true });
    const chain = found.arc?.status?.result;
    const words = [found.spf.status.result, found.dmarc.status.result];
    words.push(...found.dkim.results.map(each => each.status.result));
    return verdict(chain && chain !== 'none' ? [...words, chain] : words);
};

const jobs = {
    async mix(file) {
        const words = [];
        for (const { data, ...connection } of mix(file)) {
            words.push(await whole(data, connection));
        }
        return verdict(words);
    },
    async 'mix-dkim'(file) {
        const words = [];
        for (const { data } of mix(file)) {
            const found = await library.dkimVerify(data, { resolver });
            words.push(verdict(found.results.map(each => each.status.result)));
        }
        return verdict(words);
    },
    async all(file) {
        return whole(raw(file), {});
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
        if (job.startsWith('mix')) {
            mix(subject);
        } else if (job !== 'spf') {
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
