# Perl's Mail::DKIM as a peer of the benchmarks: see python.py for the lines that are read and written.
# Argument: the folder of the corpus.
use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

$| = 1;
unless (eval { require Mail::DKIM::Verifier; require Mail::DKIM::ARC::Verifier; require Net::DNS; 1 }) {
    print "missing\tMail::DKIM\n";
    exit;
}

# The DNS in memory: packets as a resolver would give them, made once
my %packets;
open my $keys, '<', "$ARGV[0]/keys.tsv" or die "keys.tsv: $!";
while (my $line = <$keys>) {
    chomp $line;
    my ($name, $text) = split /\t/, $line;
    my $packet = Net::DNS::Packet->new($name, 'TXT', 'IN');
    my $record = Net::DNS::RR->new(owner => $name, type => 'TXT', ttl => 60, txtdata => [unpack '(a255)*', $text]);
    $packet->header->rcode('NOERROR');
    $packet->push(answer => $record);
    $packets{$name} = $packet;
}

package Memory {
    sub new { return bless {}, shift }
    sub errorstring { return 'NOERROR' }
    sub send { my ($self, $name) = @_; return $packets{lc $name} }
}
Mail::DKIM::DNS::resolver(Memory->new);

my ($kept, $data, @mails) = ('', '');

sub content {
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!";
    local $/ = undef;
    return scalar <$in>;
}

# Reads a message, or those that a mix lists
sub raw {
    my ($file) = @_;
    return if $kept eq $file;
    $kept = $file;
    @mails = $file =~ /\.tsv$/ ? map { content((split /\t/)[0]) } split /\n/, content($file) : content($file);
    $data = $mails[0];
}

sub verdict {
    my $words = join ' ', @_;
    return @_ && !grep({ $_ ne 'pass' } @_) ? 'pass' : $words || 'none';
}

sub verified {
    my ($verifier) = @_;
    $verifier->PRINT($data);
    $verifier->CLOSE;
    return $verifier;
}

my %jobs = (
    'mix-dkim' => sub {
        my @words;
        for my $each (@mails) {
            $data = $each;
            push @words, map { $_->result } verified(Mail::DKIM::Verifier->new)->signatures;
        }
        return verdict(@words);
    },
    dkim => sub { return verdict(map { $_->result } verified(Mail::DKIM::Verifier->new)->signatures) },
    arc => sub { return verdict(verified(Mail::DKIM::ARC::Verifier->new)->result) },
);

print join("\t", 'ready', $Mail::DKIM::Verifier::VERSION, sort keys %jobs), "\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($job, $file, $repeats) = split /\t/, $line;
    my ($found, $start);
    eval {
        raw($file);
        $start = clock_gettime(CLOCK_MONOTONIC);
        $found = $jobs{$job}->() for 1 .. $repeats;
        1;
    } or do {
        (my $error = "$@") =~ s/\s+/ /g;
        print "error\t$error\n";
        next;
    };
    printf "%.9f\t%s\n", clock_gettime(CLOCK_MONOTONIC) - $start, $found;
}
