# What Mail::DKIM says of signed and sealed messages: perl mail_dkim.pl KEYS FILE...
#
# KEYS has a key record in each line, after its name. Prints the results of DKIM and ARC, a line for each file.
use strict;
use warnings;

use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

package Zone;

sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new($name, $type);
    my $record = $self->{lc $name};
    $packet->header->rcode($record ? 'NOERROR' : 'NXDOMAIN');
    $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [unpack '(a255)*', $record]))
        if $record;
    return $packet;
}

sub errorstring { return 'NOERROR' }

package main;

my %zone;
open my $keys, '<', shift or die $!;
while (<$keys>) {
    chomp;
    my ($name, $record) = split / /, $_, 2;
    $zone{lc $name} = $record;
}
Mail::DKIM::DNS::resolver(bless \%zone, 'Zone');

for my $path (@ARGV) {
    my @results;
    for my $class ('Mail::DKIM::Verifier', 'Mail::DKIM::ARC::Verifier') {
        open my $file, '<:raw', $path or die $!;
        my $verifier = $class->new;
        # In pieces, as a long line of octets is slow
        $verifier->PRINT($_) while <$file>;
        $verifier->CLOSE;
        push @results, $verifier->result;
    }
    print "@results\n";
}
