import Testing

/// What lives on when the rules change.
@Suite("Policy apply: changes", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct ChangeTests {
    /// `knock PORT` says with what a connection from 203.0.113.7, in a network beside, ends. Two a day are let in to port 22.
    private static let limited = """
        office
        there() { nsenter -t $peer --net "$@"; }
        python3 -m http.server 22 --bind 10.10.0.21 > one.txt 2>&1 & one=$!
        python3 -m http.server 8080 --bind 10.10.0.21 > two.txt 2>&1 & two=$!
        trap 'kill $peer $one $two' EXIT
        connect() { there timeout $1 bash -c "< /dev/tcp/10.10.0.21/$2" 2> /dev/null; }
        knock() { connect 1 $1; echo "$1 $?"; }
        await 'connect 60 22 && connect 60 8080'
        sed -i 's/services: \\[ssh\\] }/services: [ssh], limit: { rate: 2\\/d, burst: 2 } }/' one.yaml
        now() { apply $1 --keep 203.0.113.7 --confirm-within 0s; policy drift; echo "drift $?"; }
        counted() { table | grep -c 'counter packets 2 bytes [0-9]* accept comment "office-in line 9"'; }

        """

    @Test("lines that move touch nothing, and rules that come and go leave the counts and limits of the others")
    func counts() throws {
        let result = try NetworkOfOneHost().script(
            Self.limited + """
                now one.yaml; knock 22; knock 22; knock 22; counted
                sed -i '1i # a word' one.yaml; now one.yaml
                sed -i 's/^  allow:/&\\n    - { id: web-in, from: office, to: all, services: [web] }/' one.yaml; now one.yaml
                knock 8080; knock 22; counted; policy status; echo "status $?"
                sed -i 's/203.0.113.0.24/&, 192.0.2.224\\/29/' one.yaml; now one.yaml; knock 22
                sed -i '/web-in/d' one.yaml; now one.yaml; knock 8080; knock 22; counted
                policy load; knock 22
                """
        )
        let kept = "app-01: generation 3 is in force; rules that differ were changed, and all others count on\n"
        for words in [
            "drift 0\n22 0\n22 0\n22 124\n1\n", "the rules are the same as before, and none was touched\n", kept,
            "drift 0\n8080 0\n22 124\n1\n", "status 0\n", "elements of sets alone were changed\n",
            "drift 0\n8080 124\n22 124\n1\ngeneration 5 is loaded\n22 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("an undo takes back what differs, and leaves the counts and limits of all other rules")
    func undone() throws {
        let result = try NetworkOfOneHost().script(
            Self.limited + """
                now one.yaml; knock 22; knock 22
                sed -i 's/^  allow:/&\\n    - { id: web-in, from: office, to: all, services: [web] }/' one.yaml
                try() { apply one.yaml --keep 203.0.113.7 --confirm-within $1 > said; grep -c 'all others count on' said; }
                try 600s; knock 8080; policy rollback > said; echo "back $?"; counted; knock 8080; knock 22; policy status | grep 'kernel holds'
                try 1s; await 'policy status'; policy status | grep 'nobody confirmed it'; counted; knock 8080; knock 22
                try 600s; nft delete rule inet gatehouse input handle $(
                    nft -a list chain inet gatehouse input | grep -o 'handle [0-9]*' | tail -1 | cut -d' ' -f2)
                policy rollback > said; policy drift; echo "whole $?"; knock 22
                """
        )
        for words in [
            "22 0\n22 0\n1\n8080 0\nback 0\n1\n8080 124\n22 124\nthe kernel holds generation 1\n",
            "nobody confirmed it in time\n1\n8080 124\n22 124\n",
            "22 124\n1\nthe kernel holds what was applied\nwhole 0\n22 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }
}
