import Testing

/// Rules of others that change all the time.
@Suite("Rules that change while they are read", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct ChurnTests {
    @Test("they are read once for all who are to be let in: a list takes long while others change their rules")
    func once() throws {
        let result = try NetworkOfOneHost().script(
            """
            workers() {
                rm -rf state; nft flush ruleset; cp one.yaml site.yaml
                strace -qq -o trace -e trace=clone3 $gatehouse policy apply --site site.yaml --state $PWD/state \\
                    --confirm-within 0s "$@" > said || cat said >&2
                grep -c '^clone3(' trace
            }
            one=$(workers --keep 203.0.113.7); two=$(workers --keep 203.0.113.7 --keep 203.0.113.8)
            test $one -gt 1 && test $one = $two; echo "as many $? ($one, $two)"
            """
        )
        #expect(result.output.contains("as many 0 "), "\(result)")
    }

    @Test("they keep nobody from applying, undoing and looking, and are no drift of ours")
    func others() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft 'table inet ban { set bad { type ipv4_addr; }; chain in { type filter hook input priority -1; ip saddr @bad drop; }; }'
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "one $?"
            ban() { n=0; while :; do n=$((n % 200 + 1)); nft add element inet ban bad "{ 198.51.100.$n }"
                nft "delete element inet ban bad { 198.51.100.$n }; add table ip more; delete table ip more"; done; }
            ban & ban=$!; trap 'kill $ban' EXIT
            for n in $(seq 4); do
                policy drift > words || { echo "drift $?"; cat words; }
                policy status > words || { echo "status $?"; cat words; }
            done
            apply two.yaml --keep 203.0.113.7 --confirm-within 0s; echo "elements $?"
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s; echo "rules $?"
            apply web.yaml --keep 203.0.113.7 --confirm-within 600s; echo "waits $?"; policy rollback; echo "back $?"
            nft flush chain inet gatehouse input; apply web.yaml --keep 203.0.113.7 --confirm-within 0s; echo "whole $?"
            kill -0 $ban && kill $ban; policy drift; echo "drift $?"
            """,
            within: .seconds(300)
        )
        let expected = ["one 0", "elements 0", "rules 0", "waits 0", "back 0", "whole 0", "drift 0"]
        let words = Set(expected.map { $0.prefix { $0 != " " } })
        let found = result.output.split(separator: "\n").filter { line in
            line.split(separator: " ").count == 2 && words.contains(line.prefix { $0 != " " })
        }
        #expect(found.map(String.init) == expected, "\(result)")
    }
}
