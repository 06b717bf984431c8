import Certificates

/// A CA whose answers are damaged on the way, the same for the same seed.
final class DamagedCA: ACMETransport {
    private let ca: ScriptedCA
    private var state: UInt64

    init(_ ca: ScriptedCA, seed: UInt64) {
        self.ca = ca
        state = seed
    }

    /// splitmix64.
    private func draw(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) >> 1) % bound
    }

    func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        let answer = try ca.send(request)
        guard draw(6) == 0 else { return answer }
        var fields = answer.fields
        for (name, value) in answer.fields.sorted(by: { $0.key < $1.key }) where draw(3) == 0 {
            fields[name] = String(decoding: damaged(Array(value.utf8)), as: UTF8.self)
        }
        if draw(4) == 0 { fields["retry-after"] = ["-1", "9999999999999999999", "soon", "0"][draw(4)] }
        let status = draw(4) == 0 ? [200, 201, 400, 403, 429, 500][draw(6)] : answer.status
        return ACMEResponse(status: status, fields: fields, body: damaged(answer.body))
    }

    private func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...draw(3) where !bytes.isEmpty {
            let place = draw(bytes.count)
            switch draw(5) {
            case 0: bytes[place] ^= UInt8(1 << draw(8))
            case 1: bytes.removeSubrange(place...)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + draw(8)))
            case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + draw(64))], at: place)
            default: bytes[place] = UInt8(draw(256))
            }
        }
        return bytes
    }
}
