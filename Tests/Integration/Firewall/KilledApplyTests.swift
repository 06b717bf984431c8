import Foundation
import Testing

/// An `apply` that is killed at each of its steps, by strace: at system calls of its own. What it started goes with it, but
/// for the watchdog.
@Suite("Policy apply: killed", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct KilledApplyTests {
    /// Generation 1 was confirmed, and `three PREFIX` has generation 2 wait, which lets in to port 2222. `each KIND` kills
    /// that at each system call of the kind from where it has the lock on, and calls `after` each time.
    private static let killing = """
        apply one.yaml --keep 203.0.113.7 --confirm-within 0s; cp three.yaml site.yaml
        three() { "$@" $gatehouse policy apply --site site.yaml --state $PWD/state --keep 203.0.113.7 --keep-port 2222 \\
            --confirm-within $within; }
        quiet() { "$@" > said 2>&1; ended=$?; test $ended = 0 || { echo "at $number: $* ended with $ended"; cat said; }; }
        each() {
            kind=$1; killed=0; number=0
            three strace -qq -o trace -e trace=$kind,flock > said; quiet policy rollback
            before=$(sed '/^flock/q' trace | grep -c "^$kind("); all=$(grep -c "^$kind(" trace)
            for number in $(seq $((before + 1)) $((all + 20))); do
                three strace -qq -o trace -e inject=$kind:signal=SIGKILL:when=$number > said 2>&1; ended=$?
                test $ended != 0 || break
                killed=$((killed + 1)); test $ended = 137 || { echo "at $number: it ended with $ended"; cat said; }
                held=$(table | grep -oE 'tcp dport (22|2222) ' | sort -u | tr -dc '0-9\\n')
                policy status > status.txt; told=$?
                after
                quiet policy drift; quiet policy status
            done
            quiet policy rollback; quiet policy drift
            test $killed -ge $((all - before)) && test $killed -gt 0 && echo "$kind: each" || echo "$killed of $all"
        }

        """

    @Test(
        "one of the rulesets is in force whole, the state tells which, and the next command goes on from there",
        arguments: ["clone3", "fsync", "recvmsg", "rename", "sendmsg"]
    )
    func everyCall(kind: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.killing + """
                within=600s
                after() {
                    case "$held $told $(head -1 status.txt | cut -d: -f1)" in
                        "22 0 confirmed") ;;
                        "22 1 pending") ;;
                        "2222 1 pending") grep -q 'unless confirmed' status.txt || { echo "unwatched at $number"; cat status.txt; };;
                        *) echo "at $number: $held $told"; cat status.txt;;
                    esac
                    # Half of them another apply finds, which goes on where nothing new is in force.
                    if test $((number % 2)) = 0; then
                        three > said 2>&1; ended=$?
                        test $ended = 0 || grep -q 'waits for its confirmation' said || { echo "next $ended"; cat said; }
                    fi
                    policy status > status.txt; ! grep -q ^pending status.txt || quiet policy rollback
                }
                each \(kind)
                apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s > said; echo "applied $?"
                await '! ls state/*.armed 2> /dev/null'; ls -A state
                """,
            within: .seconds(900)
        )
        let lines = result.output.split(separator: "\n").drop { $0 != "\(kind): each" }
        let files = ["confirmed.nft", "lock", "state.json"]
        #expect(lines.dropFirst().first == "applied 0", "\(result)")
        // Nothing is left beside the files, and of the rulesets that were never in force nothing at all.
        let left = lines.dropFirst(2).filter { !files.contains(String($0)) }
        let generations = Set(left.map { $0.prefix { $0 != "." } })
        #expect(generations.count == 2 && left.count == 8 && generations.contains("1"), "\(result)")
        #expect(result.output.split(separator: "\n").count - lines.count == 2, "\(result)")
    }

    @Test("whoever was killed while the kernel was asked, the watchdog brings the old rules back, or an apply goes on")
    func watched() throws {
        let result = try NetworkOfOneHost().script(
            Self.killing + """
                within=2s
                after() {
                    if grep -q 'watchdog does not run' status.txt; then
                        test "$held" = 22 || echo "unwatched at $number"
                        quiet three; policy rollback > said
                    else
                        await 'policy status > status.txt'
                    fi
                }
                each recvmsg
                """,
            within: .seconds(900)
        )
        #expect(result.output.hasSuffix("recvmsg: each\n"), "\(result)")
        #expect(result.output.split(separator: "\n").count == 3, "\(result)")
    }
}
