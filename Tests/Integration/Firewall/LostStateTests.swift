import Testing

/// A state that is gone, damaged or not to be trusted: what a boot loads, and what the other commands say.
@Suite("Lost state", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct LostStateTests {
    /// Generation 2, which lets in to port 2222, was confirmed, and `saved` is the folder as it then was. `boot` says with
    /// what a boot ends, and whether 2222 and the ruleset of a closed machine are in force.
    private static let confirmed = """
        apply one.yaml --keep 203.0.113.7 --confirm-within 0s
        apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s
        cp -a state saved; anew() { rm -rf state; cp -a saved state; }
        held() { table 2> /dev/null | grep -c "$1"; }
        boot() { nft flush ruleset; policy load 2> said.txt; echo "$1 $? $(held 2222) $(held closed:)"; cat said.txt >&2; }

        """

    @Test(
        "a boot loads what was confirmed last, and every command says what was lost and what to do",
        arguments: [
            ("rm state/state.json", "state.json is gone"), (": > state/state.json", "state.json is damaged (0 bytes"),
            ("truncate -s 200 state/state.json", "state.json is damaged (200 bytes"),
            ("head -c 300 /dev/urandom > state/state.json", "state.json is damaged (300 bytes"),
            ("echo '[1]' > state/state.json", "state.json is damaged"),
            ("sed -i 's/\"last-generation\": 2/&000000000000000000/' state/state.json", "state.json is damaged"),
            ("sed -i 's/\"generation\"/\"number\"/' state/state.json", "state.json is damaged"),
            ("sed -i 's/\"version\": 1/\"version\": 2/' state/state.json", "was written by a later gatehouse (form 2"),
            ("chmod 644 state/state.json", "run `chmod 600"), ("chown 12345 state/state.json", "belongs to user 12345"),
            ("rm state/state.json; mkdir state/state.json", "not a regular file"),
        ]
    )
    func damaged(damage: String, words: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                \(damage); boot loaded
                for act in status drift confirm rollback; do policy $act 2> said.txt; echo "$act $?"; cat said.txt >&2; done
                """
        )
        for said in ["loaded 0 1 0\n", "status 3\n", "drift 3\n", "confirm 3\n", "rollback 3\n"] {
            #expect(result.output.contains(said), "\(said): \(result)")
        }
        #expect(result.error.contains("warning: ") && result.error.count(of: words) == 5, "\(result)")
        #expect(result.error.count(of: "Generation 2 of app-01 was confirmed last") == 5, "\(result)")
    }

    @Test("where nothing is known that was confirmed, a boot closes the machine but for SSH; what is in force stays")
    func closed() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                unknown() { echo 'add table ip more' >> state/confirmed.nft; : > state/state.json; }
                unknown; boot damaged; policy load; echo "again $? $(held closed:)"
                anew; rm state/*.nft; boot texts
                anew; chmod 777 state; boot open
                anew; unknown; $gatehouse policy load --state state; echo "stays $?"
                mv state/state.json old.json; rm state/confirmed.nft
                apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $? $(held closed:)"; boot applied
                ls state
                """
        )
        for said in [
            "damaged 3 0 6\n", "again 3 6\n", "texts 1 0 6\n", "open 0 1 0\n", "stays 3\n", "generation 3 is in force",
            "applied 0 0\n", "applied 0 0 0\n",
        ] {
            #expect(result.output.contains(said), "\(said): \(result)")
        }
        #expect(result.error.contains("this machine is closed, but for SSH (port 22"), "\(result)")
        #expect(result.error.contains("warning: ") && result.error.contains("run `chmod 700"), "\(result)")
        #expect(result.error.contains("table inet gatehouse stays in force"), "\(result)")
    }

    @Test("a closed machine can be reached by SSH, and by nothing else; it reaches others itself")
    func reached() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                office
                there() { nsenter -t $peer --net "$@"; }
                python3 -m http.server 22 --bind 10.10.0.21 > one.txt 2>&1 & one=$!
                python3 -m http.server 8080 --bind 10.10.0.21 > two.txt 2>&1 & two=$!
                nsenter -t $peer --net python3 -m http.server 8080 --bind 203.0.113.7 > three.txt 2>&1 & three=$!
                trap 'kill $peer $one $two $three' EXIT
                nft flush ruleset
                connect() { timeout $1 bash -c "< /dev/tcp/$2" 2> /dev/null; }
                export -f connect
                await 'there bash -c "connect 60 10.10.0.21/22 && connect 60 10.10.0.21/8080"'
                await 'connect 60 203.0.113.7/8080'
                : > state/state.json; rm state/confirmed.nft; boot closed
                there bash -c "connect 60 10.10.0.21/22"; echo "ssh $?"; there bash -c "connect 1 10.10.0.21/8080"; echo "web $?"
                connect 60 203.0.113.7/8080; echo "out $?"
                """
        )
        for said in ["closed 3 0 6\n", "ssh 0\n", "web 124\n", "out 0\n"] {
            #expect(result.output.contains(said), "\(said): \(result)")
        }
    }

    @Test("what was lost with the state alone is known again by its copy: an apply goes on from it")
    func regained() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                echo '# more' >> state/2.nft; boot copy; cp -p saved/2.nft state; rm state/state.json
                apply web.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $?"; policy status; echo "status $?"
                policy rollback --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s; echo "back $? $(held 2222)"
                nft delete table inet gatehouse; rm -r state; policy load; echo "never $?"; nft list tables
                """
        )
        for said in ["copy 0 1 0\n", "applied 0\n", "status 0\n", "back 0 1\n", "never 0\n"] {
            #expect(result.output.contains(said), "\(said): \(result)")
        }
        #expect(result.output.contains("generation 3 is in force"), "\(result)")
        #expect(result.output.hasSuffix("never 0\n"), "a machine on which nothing was applied is left alone: \(result)")
    }
}

extension String {
    /// How often the words are in it.
    fileprivate func count(of words: String) -> Int { ranges(of: words).count }
}
