# Lines of base64 in, each the body of a From field; lines of JSON out: the addresses that Dovecot's parser finds in it.
use strict;
use warnings;
use Email::Address::XS qw(parse_email_groups);
use JSON::PP;
use MIME::Base64;

my $json = JSON::PP->new->latin1;
while (my $line = <STDIN>) {
    my $body = decode_base64($line);
    $body =~ s/\r\n//g;
    my @groups = parse_email_groups($body);
    my @found;
    while (my ($name, $members) = splice @groups, 0, 2) {
        push @found, map { ($_->user // '') . '@' . $_->host } grep { defined $_->host } @$members;
    }
    print $json->encode({dovecot => \@found}), "\n";
}
