"""The models that are shipped: one safetensors file each, learned by `amodal learn`; their cards are in docs."""
