from embedded_host.protocols.v1.entities import entity_payload, entity_result
__all__ = ["entity_payload", "entity_result"]
