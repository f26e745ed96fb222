"""Models: importing this package registers all of them."""

from areoseg.models import attention_uwnet as attention_uwnet
from areoseg.models import compact_unet as compact_unet
from areoseg.models import dual_unet as dual_unet
from areoseg.models import light4mars as light4mars
from areoseg.models import nnunet as nnunet
from areoseg.models import psp_attention as psp_attention
from areoseg.models import rockseg as rockseg
from areoseg.models import turkeyseg as turkeyseg
from areoseg.models import unet_variants as unet_variants
from areoseg.models import unet_xception as unet_xception
from areoseg.models.inspect import ModelCost, model_cost
from areoseg.models.registry import ModelRecord, create_model, record, records, register

__all__ = [
    "ModelCost",
    "ModelRecord",
    "create_model",
    "model_cost",
    "record",
    "records",
    "register",
]
