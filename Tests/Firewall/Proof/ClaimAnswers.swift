import Firewall
import Site

extension SiteModel {
    /// The answers to the claims of a site, in their order.
    ///
    /// - Parameter held: what kernels hold, by the host's name; hosts that are left out do what is meant.
    func answers(held: [String: HeldRuleset] = [:]) -> [ClaimProof] {
        let intent = Intent(of: self)
        return ClaimProver(SiteHosts(intent, of: self, held: held)).prove(intent.claims)
    }
}

extension [ClaimProof] {
    /// By the ids of their claims.
    var byID: [String: ClaimProof] { Dictionary(map { ($0.claim.id, $0) }) { first, _ in first } }
}

extension ClaimProof {
    /// What it says, for whoever reads a test that failed.
    var summary: String {
        let words = [claim.id, word, reason, packet?.text, lease, host]
        return words.compactMap(\.self).joined(separator: " | ")
    }
}

extension HeldRuleset {
    /// A kernel that drops everything at these hooks.
    static func dropping(at hooks: HeldHook...) -> HeldRuleset {
        var held = HeldRuleset()
        held.chains = hooks.map { hook in
            HeldChain(family: .inet, table: "t", name: hook.rawValue, base: .init(hook: hook, priority: 0, drops: true))
        }
        return held
    }
}
