import Foundation
import Testing

/// What the commands about a policy say and end with, each as somebody types it.
@Suite("Policy commands", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct PolicyCommandTests {
    private static let claims = """
        also() { cp one.yaml $1; echo "  $2" >> $1; }
        also never.yaml 'never: [{ id: kept, from: internet, to: app-01 }]'
        also broken.yaml 'never: [{ id: closed, from: office, to: app-01, services: [ssh] }]'
        also right.yaml 'tests: [{ from: 203.0.113.7, to: app-01, service: tcp/20-30, expect: accept }]'
        sed -i 's/tcp.20-30/ssh/' right.yaml
        also wrong.yaml 'tests: [{ from: 203.0.113.7, to: app-01, service: tcp/20-30, expect: drop }]'

        """

    @Test("policy diff ends with 1 when anything opens, and with 0 when not")
    func diff() throws {
        let result = try NetworkOfOneHost().script(
            """
            $gatehouse policy diff one.yaml one.yaml; echo "same $?"
            $gatehouse policy diff one.yaml two.yaml; echo "opens $?"
            $gatehouse policy diff two.yaml one.yaml; echo "closes $?"
            sed '/^firewall/a\\  never: [{ from: internet, to: app-01 }]' one.yaml > never.yaml
            $gatehouse policy diff never.yaml one.yaml; echo "promised $?"
            $gatehouse policy compile --all --out rulesets --site two.yaml; echo "compiled $? $(ls rulesets)"
            """
        )
        for words in [
            "nothing opens and nothing closes\nsame 0\n", "app-01 input OPENS\n", "opens 1\n",
            "app-01 input closes\n", "closes 0\n",
            "note: the claim `never_internet_app-01` (never.yaml:8) is not made any more\nnothing opens and nothing closes\n",
            "promised 0\n", "compiled 0 app-01.nft\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("policy check asks the file's claims and tests, and apply refuses a file that breaks them")
    func claims() throws {
        let result = try NetworkOfOneHost().script(
            Self.claims + """
                for file in never broken right wrong; do $gatehouse policy check --site $file.yaml; echo "$file $?"; done
                $gatehouse policy check --json --site wrong.yaml | grep -c 'expected drop, and got accept'
                $gatehouse policy check --json --site broken.yaml | grep '"answer"'
                for file in broken wrong; do
                    apply $file.yaml --keep 203.0.113.7 2> said; echo "applied $?"; cat said; nft list tables
                done
                apply right.yaml --keep 203.0.113.7 --confirm-within 0s; echo "right applied $?"
                """
        )
        for words in [
            "proved   never `kept` (never.yaml:", "never 0\n", "BROKEN   never `closed` (broken.yaml:", "broken 1\n",
            "right 0\n",
            "FAILED   test (wrong.yaml:10): expected drop, and got accept: tcp from 203.0.113.7 to 10.10.0.21 port 22",
            "wrong 1\n1\n      \"answer\": \"proved\",\n      \"answer\": \"refuted\",\napplied 1\n",
            "the claim `closed`", "applied 1\na test of the file fails (site.yaml:10): expected drop",
            "right applied 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("that a host may ask nobody is noted by check, and by the first apply alone")
    func needs() throws {
        let result = try NetworkOfOneHost().script(
            """
            said() { echo "$1 $? $(cat said said-too | grep -c 'note: `app-01` resolves no names')"; }
            $gatehouse check --site one.yaml > said 2> said-too; said check; wc -c < said-too
            $gatehouse check --json --site one.yaml | grep -A1 '"severity": "note"'
            for site in one two; do apply $site.yaml --keep 203.0.113.7 --confirm-within 0s > said 2> said-too; said $site; done
            """
        )
        #expect(result.output.contains("check 0 1\n0\n") && result.output.contains("\"code\": \"needs\""), "\(result)")
        #expect(result.output.hasSuffix("one 0 1\ntwo 0 0\n"), "\(result)")
    }

    @Test("where no network can be made that goes away, nothing is proved, and that is said")
    func unproved() throws {
        // The number belongs to the user namespace, and goes away with it.
        let result = try NetworkOfOneHost().script(
            """
            export gatehouse outer=$(readlink /proc/self/ns/user)
            unshare --user --map-root-user bash -c '[ $(readlink /proc/self/ns/user) != $outer ] || exit 97
                echo 0 > /proc/sys/user/max_net_namespaces && exec $gatehouse policy check --site one.yaml'
            echo "ended $?"
            """
        )
        #expect(result.output.contains("unproved app-01: it could not be tried:\n"), "\(result)")
        #expect(result.output.contains("ended 3\n"), "\(result)")
    }

    @Test("policy prove --live proves the claims of what the kernel holds")
    func live() throws {
        let result = try NetworkOfOneHost().script(
            Self.claims + """
                prove() { $gatehouse policy prove --live --site never.yaml; echo "$1 $?"; }
                prove bare
                apply never.yaml --keep 203.0.113.7 --confirm-within 0s; prove applied
                nft insert rule inet gatehouse input tcp dport 9 accept; prove opened
                nft flush ruleset; policy load; unreadable rule ip; prove unlisted
                $gatehouse policy prove --host app-01 --site never.yaml; echo "alone $?"
                nft delete table ip odd; nft -j list ruleset > held.json
                $gatehouse policy prove --live --held app-01=held.json --site never.yaml; echo "both $?"
                sed 's/10.10.0.21/10.10.0.99/' never.yaml > elsewhere.yaml
                $gatehouse policy prove --live --host app-01 --site elsewhere.yaml; echo "elsewhere $?"
                """
        )
        let answers = result.output.components(separatedBy: "bare 1\n").last ?? ""
        for words in [
            "proved   app-01: ", "proved   never `kept`", "applied 0\n", "BROKEN   app-01: ", "BROKEN   never `kept`",
            "opened 1\n", "unknown  app-01: ", "unlisted 1\n", "alone 2\n", "both 2\n", "elsewhere 1\n",
        ] {
            #expect(answers.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("--live and --held both say what the kernel of app-01 holds"), "\(result)")
        #expect(result.error.contains("this machine bears no address of app-01 (10.10.0.99): "), "\(result)")
        #expect(result.error.contains("; say with --host which host it is"), "\(result)")
    }

    @Test("apply wants to know which host the machine is, and where its administrator comes from")
    func refusals() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(
            """
            site: a.b
            networks: { office: [203.0.113.0/24] }
            hosts:
              box: { interfaces: { eth0: { zone: outside } } }
              other: { interfaces: { eth7: { zone: outside } } }
            services: { ssh: tcp/22 }
            firewall: { allow: [{ from: office, to: all, services: [ssh] }] }

            """,
            to: "dhcp.yaml"
        )
        let result = try network.script(
            """
            unset SSH_CONNECTION
            sed 's/10.10.0.21/10.10.0.99/' one.yaml > elsewhere.yaml
            apply elsewhere.yaml --keep 203.0.113.7; echo "nobody $?"
            apply elsewhere.yaml --host app-01 --keep 203.0.113.7; echo "named $?"
            apply dhcp.yaml --keep 203.0.113.7; echo "unnamed $?"
            apply dhcp.yaml --host other --keep 203.0.113.7; echo "other $?"
            apply one.yaml; echo "unknown $?"; nft list tables
            SSH_CONNECTION='203.0.113.7 50000 10.10.0.21 22' bash -c \
                "env -u SSH_CONNECTION $gatehouse policy apply --site one.yaml --state $PWD/state --confirm-within 0s; exit \\$?"
            echo "ancestor $?"
            $gatehouse policy apply --site dhcp.yaml --state $PWD/other --host box --keep 203.0.113.7 --confirm-within 0s
            echo "box $?"
            """
        )
        for words in [
            "nobody 2\n", "named 1\n", "unnamed 2\n", "other 1\n", "unknown 1\n203.0.113.7 would be let in",
            "ancestor 0\n",
            "box 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        for words in [
            "bears addresses of no host of foobar.com", "bears no address of app-01 (10.10.0.99)",
            "this machine has no interface eth7", "where you come from is not known",
        ] {
            #expect(result.error.contains(words), "\(words): \(result)")
        }
    }

    @Test("whoever is not root is told to be it, and nothing that is not so")
    func unprivileged() throws {
        guard Unprivileged.isAnother else { return print("not tried: only root can close a folder to others") }
        let directory = try TemporaryDirectory()
        let binary = try Unprivileged.binary(in: directory)
        let folder = directory.path("gatehouse")
        let closed = try run("mkdir", ["-m", "700", folder, "\(folder)/firewall"], in: directory)
        #expect(closed.status == 0, "\(closed)")
        for state in [folder, "\(folder)/firewall"] {
            for act in [["status"], ["status", "--json"], ["drift"], ["confirm"], ["rollback"], ["load"], ["watch"]] {
                let result = try Unprivileged.tool([binary, "policy"] + act + ["--state", state], in: directory)
                #expect(result.status == 3 && result.output.isEmpty, "\(act) \(result)")
                #expect(result.error.hasPrefix("\(state): this user may not look into it"), "\(act) \(result)")
                #expect(result.error.contains("run it as root"), "\(act) \(result)")
            }
        }
        let none = directory.path("none")
        for act in ["status", "drift", "confirm", "rollback"] {
            let result = try Unprivileged.tool([binary, "policy", act, "--state", none], in: directory)
            let words = "there is no folder \(none): no ruleset was applied with it here; the kernel does not tell its"
            #expect(result.status == 1 && result.error.hasPrefix(words), "\(act) \(result)")
            #expect(result.error.hasSuffix(": run it as root\n"), "\(act) \(result)")
        }
    }
}
